"""The nouns as frozen values, the exception tree and the event types; imports nothing of ours."""
