"""A private Firestore: the emulator that npm has, with the two habits of the real one it lacks."""

from __future__ import annotations

import os
import subprocess

from . import MissingServer, Server, program

_PACKAGE = "@firestore-emulator/server"

# The real one refuses a write if the document is not the one of `update_time`, and no two writes
# of a document have the same time.
_SCRIPT = """
const { FirestoreServer } = require("@firestore-emulator/server");
const server = new FirestoreServer();
const { state } = server;
const write = state.writeV1Document.bind(state);
const refusal = (() => {
  const absent = "projects/p/databases/d/documents/c/absent";
  const current_document = { has_exists: true, exists: true };
  const request = { has_delete: true, delete: absent, has_current_document: true };
  try {
    write(new Date(), { ...request, current_document });
  } catch (error) {
    return error;
  }
})();
const FAILED_PRECONDITION = 9;
let last = 0;
state.writeV1Document = (date, request) => {
  if (request.has_current_document && request.current_document.has_update_time) {
    const { metadata } = state.getDocument(request.delete || request.update.name);
    const { seconds, nanos } = request.current_document.update_time;
    if (!metadata.hasExist || metadata.updatedAt.getTime() !== seconds * 1000 + nanos / 1e6) {
      throw new refusal.constructor(FAILED_PRECONDITION, "the document was changed");
    }
  }
  last = Math.max(last + 1, date.getTime());
  return write(new Date(last), request);
};
server.start(Number(process.argv[2]));
"""


class Firestore(Server):
    """The emulator, which keeps its data in memory."""

    name = "firestore"

    @property
    def host(self) -> str:
        """The value for FIRESTORE_EMULATOR_HOST."""
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Write the script that starts it."""
        (self.folder / "emulator.js").write_text(_SCRIPT)

    def command(self) -> list[str]:
        """The emulator in the foreground."""
        node = program("node", "install Node.js (Debian: apt install nodejs npm)")
        environment = {**os.environ, "NODE_PATH": self._modules()}
        found = [node, "-e", f"require.resolve('{_PACKAGE}')"]
        if subprocess.run(found, env=environment, capture_output=True).returncode:
            raise MissingServer(f"{_PACKAGE} is not installed; npm install --global {_PACKAGE}")
        return [node, str(self.folder / "emulator.js"), str(self.port)]

    def environment(self) -> dict[str, str]:
        """Where Node finds what npm installed globally."""
        return {**os.environ, "NODE_PATH": self._modules()}

    @staticmethod
    def _modules() -> str:
        npm = program("npm", "install it (Debian: apt install npm)")
        command = [npm, "root", "--global"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
