"""Pictures for people without napari at hand, drawn with Pillow, which napari brings."""
