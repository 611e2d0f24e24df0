"""invprob: inverse problems in imaging.

A **prior** says which images are likely. A **likelihood** says how a measurement arises from an
image: it can simulate it and score it. A **solver** joins the two, `init` → `step` → `estimate`,
into one estimate or many posterior samples.

The public names are listed once, in `__init__.pyi`; each is imported on first use.
"""

import lazy_loader

__version__ = "0.1.0"

_public, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    """A public name; an error says what may have been meant."""
    try:
        return _public(name)
    except AttributeError as error:
        if name.startswith("_") or "No invprob attribute" not in str(error):
            raise
        from .other_names import no_such_name

        raise AttributeError(no_such_name(name, __all__), name=name) from None
