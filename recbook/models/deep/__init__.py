"""Models that are trained with TensorFlow, which is imported when the first of them is fitted.

The recommenders among them stand in `recbook.models`. `ResponseNetwork` and `PictureClassifier` are
classifiers: of rows of a table, and of pictures.
"""
