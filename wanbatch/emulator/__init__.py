"""A local API that speaks the same protocols for real and renders real MP4. Shares
nothing with the engine."""
