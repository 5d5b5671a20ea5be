"""`python is_healthy.py URL` ends with 0 if the server answers 200, else with 1, and shows the answer."""

import sys
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

try:
    # Without the proxy of the environment: the server is in this container.
    with build_opener(ProxyHandler({})).open(sys.argv[1], timeout=5) as answer:
        sys.stdout.write(answer.read(2000).decode(errors="replace"))
except HTTPError as error:
    sys.exit(error.read(2000).decode(errors="replace"))
except (URLError, OSError) as error:
    sys.exit(str(error))
