import sys

from fairloop.errors import FairloopError
from fairloop.server.main import serve
from fairloop.settings import load_settings

try:
    serve(load_settings())
except FairloopError as error:
    sys.exit(f"fairloop: {error.message}")
