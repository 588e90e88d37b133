"""The thin shell: HTTP/1.1 on one side, `Request` and `Response` on the other."""
