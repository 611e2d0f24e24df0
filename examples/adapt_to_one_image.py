"""A page of text, a prior made of photographs: tell the denoiser what this image is like.

No clean text is needed, only the noisy page itself: `ip.adapt` fine-tunes a copy of the network on
it, and stops when it no longer improves on pixels that it did not learn from.
"""

import os

import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

import invprob as ip

SIGMA = 0.2
STEPS = int(os.environ.get("STEPS", 100))  # more steps, more gain; fewer to see it run at once
WORDS = "prior likelihood measurement image noise score density posterior sample mean step"


def page(side: int = 192) -> torch.Tensor:
    """Lines of words, dark on light, `(1, 1, side, side)`."""
    paper = Image.new("L", (side, side), 230)
    pen, font = ImageDraw.Draw(paper), ImageFont.load_default()
    words = np.random.default_rng(0)
    for top in range(4, side - 8, 13):
        pen.text((5, top), " ".join(words.choice(WORDS.split(), 9)), fill=25, font=font)
    return torch.from_numpy(np.array(paper, dtype=np.float32) / 255)[None, None]


def main() -> None:
    """Denoise the page before and after."""
    x = page()
    y = x + SIGMA * torch.randn(x.shape, generator=ip.generator(0))
    prior = ip.DenoiserPrior.pretrained()
    found = ip.adapt(prior, y, SIGMA, steps=STEPS)
    pictures = {"clean": x, "noisy": y}
    pictures["photographs"] = prior.denoise(y, SIGMA)
    pictures["adapted"] = found.prior.denoise(y, SIGMA)
    figure, axes = plt.subplots(1, len(pictures), figsize=(4 * len(pictures), 4.4))
    for axis, (name, picture) in zip(axes, pictures.items(), strict=True):
        quality = "" if name == "clean" else f", {ip.psnr(picture, x).item():.1f} dB"
        axis.imshow(picture[0, 0], cmap="gray", vmin=0, vmax=1)
        axis.set_title(name + quality)
        axis.axis("off")
        if quality:
            print(name + quality)
    for step, estimate in found.history.items():
        print(f"step {step}: {estimate:.1f} dB, estimated without the clean page")
    figure.tight_layout()
    figure.savefig("adapt_to_one_image.png")
    print("wrote adapt_to_one_image.png")


if __name__ == "__main__":
    main()
