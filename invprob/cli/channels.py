"""How many channels the images of a command have: as many as its prior takes.

A measurement may have other channels than the image, so pictures, gray and in colour, are always
read; what the prior does not take is refused with the parts' shapes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..channels import Channels


def channels_of(prior: Any, /) -> Channels:
    """The channel counts that a prior takes; `None` for one that takes any."""
    from ..problem import domain_of

    domain = domain_of(prior)
    if domain.shape is not None and len(domain.shape) == 3:
        return domain.shape[:1]
    return domain.channels


def are_no_pictures(channels: Channels, /) -> bool:
    """Whether no image of so many channels is gray or in colour."""
    from ..channels import PICTURES

    return channels is not None and not set(channels) & set(PICTURES)
