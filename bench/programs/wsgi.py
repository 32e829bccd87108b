"""What gunicorn serves: the same answer as application.js, `trivial`."""


def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]
