"""Linear operators: how an image becomes a measurement before the noise.

One file per idea: `identity`, `mask`, `blur` (circular, any kernel), `kernels`, `memo`, `planes`.

What all of them share:

* `forward`, `adjoint`, `out_shape(image shape)` and its inverse `image_shape(measurement shape)`;
  a `Shape` never counts the batch, and an impossible one is an `InputError` that names both.
* The tensors given at construction are copied, in float64, on the CPU; the maps work in the dtype
  and on the device of what they are given.
* `svd(shape).s` and `log_abs_det(shape)` are float64 on the CPU, whatever the images will be.
"""
