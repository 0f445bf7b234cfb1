"""The keywords of vhosteld, none of which does anything, for robotremoteserver.

usage: rpc_peer.py LIBRARY.json PORT

LIBRARY.json is what vhosteld answered to get_library_information: the same names, arguments, tags
and documentation.
"""
import json
import sys

from robotremoteserver import RobotRemoteServer


class Library:
    def __init__(self, information):
        self.information = information

    def get_keyword_names(self):
        # The server adds its own keyword for stopping.
        return [name for name in self.information
                if not name.startswith("__") and name != "Stop Remote Server"]

    def run_keyword(self, _name, _arguments, _named=None):
        return []

    def get_keyword_arguments(self, name):
        return self.information[name].get("args", [])

    def get_keyword_documentation(self, name):
        return self.information[name].get("doc", "")

    def get_keyword_tags(self, name):
        return self.information[name].get("tags", [])


with open(sys.argv[1], encoding="utf-8") as file:
    library = Library(json.load(file))
RobotRemoteServer(library, port=int(sys.argv[2]))
