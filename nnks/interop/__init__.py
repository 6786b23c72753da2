"""The border to PySCF: the only package that imports it, and only when something is asked of it.

At its own import PySCF runs the first file there is of three: the one that `PYSCF_CONFIG_FILE` names, `.pyscf_conf.py`
in the working folder, and the one in the home folder. A folder may have come from someone else: what it holds is data
here.
"""

import os

_OWN = os.path.join(os.path.dirname(__file__), "pyscf_settings.py")
_OF_THE_USER = (os.environ.get("PYSCF_CONFIG_FILE", ""), os.path.expanduser("~/.pyscf_conf.py"))
os.environ["PYSCF_CONFIG_FILE"] = next((path for path in _OF_THE_USER if os.path.isfile(path)), _OWN)
