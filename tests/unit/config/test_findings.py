from kaigate.config.document import parse_document
from kaigate.config.findings import Findings
from kaigate.config.problems import Problem


def test_findings_stand_at_their_place_in_the_file():
    findings = Findings(parse_document(b"a:\n  b: 1\n", "f"))
    findings.error(("a", "b"), "wrong")
    findings.warn(("a", "b"), "odd", key=True)
    assert findings.errors == [Problem("f", 2, 6, "a.b", "wrong")]
    assert findings.warnings == [Problem("f", 2, 3, "a.b", "odd")]
