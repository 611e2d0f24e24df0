"""Linear operators: how an image becomes a measurement before the noise.

    identity     every pixel                       dense        any matrix, for small images
    mask         some pixels                       compose      one operator after another
    blur         convolution, circular             stack        several measurements of one image
    valid_blur   convolution, of photographs       adapters     functions and scipy's operators
    separable    convolution, any borders
    downsample   means of blocks                   correlation  the invertible 3x3 filter of Xie
    decimate     convolution, every r-th pixel                  et al. (2023)
    hadamard     Walsh-Hadamard coefficients
    frequencies  some frequencies of the DFT
    grayscale    a weighted sum of the channels

What they are made of: `kernels` (what to blur with), `filters`, `fourier` and `cosines` (fast
bases), `householder` and `factors` (bases of small spaces), `boundaries`, `planes` (shapes),
`structure` (what a composition may know), `memo`.

What all of them share:

* `forward`, `adjoint`, `out_shape(image shape)` and its inverse `image_shape(measurement shape)`;
  a `Shape` never counts the batch, and an impossible one is an `InputError` that names both.
* The tensors given at construction are copied, in float64, on the CPU; the maps work in the dtype
  and on the device of what they are given.
* `svd(shape).s` and `log_abs_det(shape)` are float64 on the CPU, whatever the images will be.
* Nothing is as large as the square of an image. Singular values are never sorted: where the basis
  is that of an image, its coordinates keep the image's axes.
"""

from . import kernels as kernels
