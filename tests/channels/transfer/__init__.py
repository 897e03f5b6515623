"""Cases of forwarding bodies: pushed, in sheets, and the steps that go back."""
