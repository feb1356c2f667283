#include "common/config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

#include "absl/strings/str_cat.h"

namespace mailmesh::config {
namespace {

constexpr size_t kMaxOctets = 4 << 20;
constexpr size_t kMaxDepth = 64;

// Ends the parse from inside an event; never leaves this file.
struct Refused {
  Problem problem;
};

class TreeBuilder final : public YAML::EventHandler {
 public:
  bool saw_document() const { return documents_ > 0; }
  YamlNode& root() { return root_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) Refuse(mark, "is a second document; a configuration is a single one");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { Add(mark, anchor, YamlNode::Kind::kNull); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { Refuse(mark, "aliases (*name) are not supported"); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    // Plain scalars have the tag "?", quoted ones "!" (YAML 1.2, 6.9.1).
    const bool quoted = tag != "?" && !tag.empty();
    if (!quoted && (value.empty() || value == "~" || value == "null" || value == "Null" || value == "NULL")) {
      Add(mark, anchor, YamlNode::Kind::kNull);
      return;
    }
    YamlNode& node = Add(mark, anchor, YamlNode::Kind::kScalar);
    node.text = value;
    node.quoted = quoted;
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, anchor, YamlNode::Kind::kList);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  [[noreturn]] static void Refuse(const YAML::Mark& mark, std::string text) {
    throw Refused{{mark.line + 1, mark.column + 1, "", std::move(text)}};
  }

  YamlNode& Add(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind) {
    if (anchor != 0) Refuse(mark, "anchors (&name) are not supported");
    // The children of an open node grow only while it is the innermost: pointers to the others stay good.
    YamlNode& node = open_.empty() ? root_ : open_.back()->children.emplace_back();
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }
  void Open(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind) {
    if (open_.size() >= kMaxDepth) Refuse(mark, absl::StrCat("is nested deeper than ", kMaxDepth, " levels"));
    open_.push_back(&Add(mark, anchor, kind));
  }

  int documents_ = 0;
  YamlNode root_;
  std::vector<YamlNode*> open_;
};

}  // namespace

std::variant<YamlNode, Problem> ParseYaml(std::string_view text) {
  if (text.size() > kMaxOctets)
    return Problem{0, 0, "", absl::StrCat("the file is larger than ", kMaxOctets, " octets")};
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    TreeBuilder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    return std::move(builder.root());
  } catch (const Refused& refused) {
    return refused.problem;
  } catch (const YAML::Exception& e) {
    return Problem{e.mark.line + 1, e.mark.column + 1, "", absl::StrCat("is no YAML: ", e.msg)};
  }
}

}  // namespace mailmesh::config
