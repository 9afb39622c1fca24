"""Build hook placeholder: replaced by the page builder."""
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AssetHook(BuildHookInterface):
    def initialize(self, version, build_data):
        return None
