"""The finder's training needs OpenCV, which the rest of `training` does not."""

import importlib.util

collect_ignore = [] if importlib.util.find_spec("cv2") else ["test_finder.py"]
