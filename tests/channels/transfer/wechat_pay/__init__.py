"""Consumer complaints of WeChat Pay."""
