"""For all tests: a machine that is busy is no failure, so nothing that hypothesis draws is timed."""

from hypothesis import HealthCheck, settings

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
