"""invprob: inverse problems in imaging.

A **prior** says which images are likely. A **likelihood** says how a measurement arises from an
image: it can simulate it and score it. A **solver** joins the two, `init` → `step` → `estimate`,
into one estimate or many posterior samples.

The public names are listed once, in `__init__.pyi`; each is imported on first use.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
