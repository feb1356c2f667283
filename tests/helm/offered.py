"""Every object of a render offered to a real API server: it says what it thinks of each, by its own validation and admission, and keeps none
(`dryRun=All`). A field that it does not know is an error, and pods must pass the Pod Security Standard `restricted`."""
import collections

import yaml

# Kinds of operators: a bare API server has none of them. kubeconform checks them against their CRDs' schemas.
OF_OPERATORS = ("monitoring.coreos.com/v1", "cert-manager.io/v1")
# What must be there for scenarios that name it.
NAMESPACES = ("mail", "monitoring", "grafana")
PRIORITY_CLASSES = ("mail-jobs",)
STRICT = "dryRun=All&fieldValidation=Strict"


class Offers:
    def __init__(self, server):
        self.server = server
        self.kinds = {}
        for name in NAMESPACES:
            labels = {"pod-security.kubernetes.io/enforce": "restricted"}
            self.make("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
        for name in PRIORITY_CLASSES:
            self.make("/apis/scheduling.k8s.io/v1/priorityclasses", {"metadata": {"name": name}, "value": 1000})

    def make(self, path, document):
        status, answer = self.server.call("POST", path, document)
        assert status == 201, answer

    def path(self, version, kind):
        """Where objects of a kind are made, by the server's own list."""
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if version not in self.kinds:
            resources = self.server.get(root)["resources"]
            self.kinds[version] = {resource["kind"]: resource["name"] for resource in resources if "/" not in resource["name"]}
        return f"{root}/namespaces/{{}}/{self.kinds[version][kind]}"

    def problem(self, document):
        path = self.path(document["apiVersion"], document["kind"]).format(document["metadata"].get("namespace", "mail"))
        status, answer = self.server.call("POST", f"{path}?{STRICT}", document)
        return "" if status == 201 else f"{document['kind']} {document['metadata']['name']}: {status} {answer.get('message')}"


def results(server, texts):
    """[(what, problem)], a line for each scenario. Takes the render of each."""
    offers = Offers(server)
    for name, text in texts.items():
        documents = [document for document in yaml.safe_load_all(text) if document]
        left_out = collections.Counter(document["kind"] for document in documents if document["apiVersion"] in OF_OPERATORS)
        offered = [document for document in documents if document["apiVersion"] not in OF_OPERATORS]
        problems = [problem for problem in map(offers.problem, offered) if problem]
        without = f", not offered: {', '.join(f'{count} {kind}' for kind, count in sorted(left_out.items()))}" if left_out else ""
        yield f"scenario {name}: {len(offered) - len(problems)} of {len(offered)} objects taken{without}", "\n".join(problems)

    documents = {document["kind"]: document for document in yaml.safe_load_all(texts["minimal"]) if document}
    pod, service = documents["Pod"], documents["Service"]
    pod["spec"]["hostNetwork"] = True
    service["spec"]["prots"] = []
    for what, document, said in (("a pod on the node's network", pod, "violates PodSecurity"), ("a misspelt field", service, 'unknown field "spec.prots"')):
        problem = offers.problem(document)
        yield f"{what} is refused", "" if said in problem else f"it said {problem!r}"
