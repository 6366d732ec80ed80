"""Property tests that hold on a slow machine: importing this sets it up."""

from hypothesis import HealthCheck, settings

# A machine that builds something else meanwhile is slow, and no fault of what is tested.
settings.register_profile(
    "framewright", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("framewright")
