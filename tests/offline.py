"""The program that auditors take along, as a module: it judges signatures and proofs in tests."""

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

from local.state import ROOT

VERIFIER = ROOT / "include" / "proof" / "doclife_verify.py"
_loader = SourceFileLoader("doclife_verify", str(VERIFIER))
_specification = spec_from_loader(_loader.name, _loader)
assert _specification is not None
_program = module_from_spec(_specification)
_loader.exec_module(_program)

is_signed = _program.is_signed
is_included = _program.is_included
