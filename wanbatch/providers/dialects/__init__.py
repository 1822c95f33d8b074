"""What each kind of API says, and what its answers mean."""
