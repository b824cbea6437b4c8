"""A private nginx in front of the replicas."""

from __future__ import annotations

from tests.stores import Server, free_port, program

CONFIG = """\
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream bot {{
    {servers}
    keepalive 128;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://bot;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
}}
"""


class Nginx(Server):
    """Gives each update to one of the replicas in turn; one that does not answer has a pause."""

    name = "nginx"

    def __init__(self, replicas: int) -> None:
        super().__init__()
        self.ports = [free_port() for _ in range(replicas)]

    @property
    def url(self) -> str:
        """What Telegram is told."""
        return f"http://127.0.0.1:{self.port}/webhook"

    def prepare(self) -> None:
        """Write its settings."""
        servers = "\n    ".join(
            f"server 127.0.0.1:{port} max_fails=1 fail_timeout=1s;" for port in self.ports
        )
        config = CONFIG.format(folder=self.folder, port=self.port, servers=servers)
        (self.folder / "nginx.conf").write_text(config)

    def command(self) -> list[str]:
        """The proxy in the foreground, in one process."""
        nginx = program("nginx", "install it (Debian: apt install nginx)", "/usr/sbin")
        config = str(self.folder / "nginx.conf")
        return [nginx, "-p", str(self.folder), "-e", "stderr", "-c", config]
