"""The first call of a kernel may compile it, so a single example has no deadline here."""

from hypothesis import settings

settings.register_profile("kernels", deadline=None)
settings.load_profile("kernels")
