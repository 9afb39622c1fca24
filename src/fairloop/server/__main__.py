from fairloop.server.main import serve
from fairloop.settings import load_settings

serve(load_settings())
