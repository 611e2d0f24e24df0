"""Hold the loop yourself: watch a photo emerge from a fifth of its pixels.

`iterate` yields an event after every step. An event has the solver's state and the image that it
stands for; nothing is hidden, and the loop can stop, branch or plot whenever it likes.
"""

from matplotlib.figure import Figure

import invprob as ip


def main() -> None:
    """Plot six moments of one run."""
    photo = ip.sample_photo()
    noise = ip.Gaussian(sigma=0.05, operator=ip.Mask.random(photo.shape[-2:], keep=0.2, seed=1))
    y = noise.sample(photo, ip.generator(0))
    problem = ip.Problem(ip.DenoiserPrior.pretrained(), noise, y)
    moments = []
    for event in ip.iterate(problem, ip.Restart(calls=50), seed=0):
        if event.step in (1, 10, 20, 30, 40, event.steps):
            x = event.estimate()
            moments.append((event, x))
            print(f"step {event.step:3d}  {ip.psnr(x, photo).item():.1f} dB")
    figure = Figure(figsize=(12, 2.4), layout="constrained")
    for axes, (event, x) in zip(figure.subplots(1, len(moments)), moments, strict=True):
        axes.imshow(x[0].movedim(0, -1).clamp(0, 1))
        axes.set_title(f"step {event.step}, sigma {event.sigma:.3f}", fontsize=9)
        axes.axis("off")
    figure.savefig("own-loop.png", dpi=150)


if __name__ == "__main__":
    main()
