"""What a project and a person have set: backends, addresses, limits, prices."""
