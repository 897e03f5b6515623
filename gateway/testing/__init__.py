"""The adapter conformance kit and fake providers, for authors of adapters."""
