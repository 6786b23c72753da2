"""Configs: the defaults with a comment for every key, config files, and overrides.

Four sections name a member of a registry (`ansatz`, `orthogonalizer`, `sampler`, `optimizer`) and hold that
member's own fields; naming another member replaces the section by that member's defaults.
"""

from nnks.config.defaults import default_config as default_config
from nnks.config.files import find_config as find_config
from nnks.config.files import from_dict as from_dict
from nnks.config.files import load_config as load_config
from nnks.config.files import load_module as load_module
from nnks.config.files import packaged_configs as packaged_configs
from nnks.config.files import resolved as resolved
from nnks.config.sections import LAYER as LAYER
from nnks.config.sections import ConfigDict as ConfigDict
from nnks.config.sections import check as check
from nnks.config.sections import complete as complete
from nnks.config.sections import flatten as flatten
from nnks.config.sections import override as override
from nnks.config.sections import read_texts as read_texts
from nnks.config.sections import registries as registries
from nnks.config.sections import to_dict as to_dict
from nnks.config.users import UserError as UserError
