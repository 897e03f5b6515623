"""Real servers for tests: each a child of the test run, on loopback, in its own folder, gone when the test is."""
