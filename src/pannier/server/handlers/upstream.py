"""Files of an upstream index: `/upstream/PROJECT/HASH/FILENAME`, as our pages link them."""

from collections.abc import Sequence

from pannier.server.messages import Answer, Request, respond
from pannier.server.routing import Route
from pannier.server.services import Services


def download(request: Request, services: Services, values: Sequence[str]) -> Answer:
    """A file, unless its project is or ever was local: what upstream has under such a name is not ours."""
    project, key, filename = values
    if services.upstream is None or services.catalogue.is_local(project):
        return respond(404, f"there is no file {filename} here\n")
    return services.upstream.file(request, project, key, filename)


ROUTES = (Route(("GET",), "/upstream/{}/{}/{}", download, "download", names_project=True),)
