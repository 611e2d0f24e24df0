"""`Restart`, posterior samples by restarts from zero noise: the theory is in `restart`.

* `restart`: the solver, and what it does with a sample that is alone.
* `plans` and `crowd_plans`: how the calls are spent; `state`: what is remembered between steps.
* `particles`: the theory of crowds, in which particles are weighed and drawn again; `crowds`: what
  all crowds have in common; `gaussian_crowds`: their step under Gaussian noise;
  `surrogate_crowds`: their step under noise that is like a Gaussian near an image.
* `linear_response`: how far the data pull a restart.
* `to_zero`: the way from the last noise level to none.
"""
