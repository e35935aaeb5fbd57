"""The only place that knows Qt and napari. It shows and asks; it computes nothing and never imports torch."""
