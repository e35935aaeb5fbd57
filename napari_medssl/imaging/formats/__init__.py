"""One module per family of files, for `reading` and `writing`.

NIfTI (.nii, .nii.gz, .hdr/.img pairs, versions 1 and 2) and 2-D PNG, TIFF and JPEG.
"""
