#include "common/config/reader.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/bytes.h"
#include "common/config/scalar.h"
#include "common/config/suggest.h"

namespace mailmesh::config {
namespace {

using google::protobuf::Message;
using Kind = YamlNode::Kind;

std::string KindText(const YamlNode& node) {
  switch (node.kind) {
    case Kind::kNull:
      return "empty";
    case Kind::kScalar:
      return absl::StrCat("\"", base::Printable(node.text, 60), "\"");
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a section of fields";
  }
  return "something else";
}

}  // namespace

void Reader::Report(const YamlNode& node, std::string path, std::string text) {
  problems_.push_back({node.line, node.column, std::move(path), std::move(text)});
}

void Reader::Reject(const YamlNode& node, const std::string& path, std::string text) {
  places_[path] = {node.line, node.column, false};
  Report(node, path, std::move(text));
}

void Reader::ReadSection(const YamlNode& node, const std::string& path, Message& message) {
  if (node.kind == Kind::kNull) return;
  if (node.kind != Kind::kMap) {
    Reject(node, path, absl::StrCat("must be a section of fields (name: value), is ", KindText(node)));
    return;
  }
  std::map<const Field*, const YamlNode*> seen;
  std::map<const google::protobuf::OneofDescriptor*, const Field*> chosen;
  for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
    const YamlNode& key = node.children[i];
    const YamlNode& value = node.children[i + 1];
    const Field* field = FindField(key, path, message);
    if (field == nullptr) continue;
    const std::string field_path = Join(path, field->name());
    const auto [first, is_new] = seen.emplace(field, &key);
    if (!is_new) {
      Report(key, field_path, absl::StrCat("is given twice; the first is in line ", first->second->line));
      continue;
    }
    if (value.kind == Kind::kNull) continue;
    if (const auto* oneof = field->real_containing_oneof(); oneof != nullptr) {
      const auto [other, is_only] = chosen.emplace(oneof, field);
      if (!is_only) {
        Report(key, field_path, absl::StrCat("cannot be given together with ", other->second->name()));
        continue;
      }
    }
    places_[field_path] = {value.line, value.column};
    ReadField(value, *field, field_path, message);
  }
}

const Field* Reader::FindField(const YamlNode& key, const std::string& path, const Message& message) {
  if (key.kind != Kind::kScalar) {
    Report(key, path, absl::StrCat("has a field whose name is ", KindText(key)));
    return nullptr;
  }
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  if (const Field* field = type.FindFieldByName(key.text); field != nullptr) return field;
  std::vector<std::string> known;
  for (int i = 0; i < type.field_count(); ++i) known.push_back(type.field(i)->name());
  const std::string nearest = Nearest(key.text, known);
  std::string remedy;
  if (!nearest.empty()) {
    remedy = absl::StrCat("did you mean ", nearest, "?");
  } else {
    remedy = absl::StrCat("known here: ", absl::StrJoin(known, ", "));
  }
  Report(key, Join(path, base::Printable(key.text, 60)), absl::StrCat("is an unknown field; ", remedy));
  return nullptr;
}

void Reader::ReadField(const YamlNode& node, const Field& field, const std::string& path, Message& message) {
  if (field.is_map()) {
    ReadMap(node, field, path, message);
  } else if (field.is_repeated()) {
    ReadList(node, field, path, message);
  } else {
    ReadValue(node, field, path, message);
  }
}

void Reader::ReadValue(const YamlNode& node, const Field& field, const std::string& path, Message& message) {
  if (IsSection(field)) {
    const auto& reflection = *message.GetReflection();
    Message* section =
        field.is_repeated() ? reflection.AddMessage(&message, &field) : reflection.MutableMessage(&message, &field);
    ReadSection(node, path, *section);
    return;
  }
  if (node.kind != Kind::kScalar) {
    Reject(node, path, absl::StrCat("must be ", Wanted(field), ", is ", KindText(node)));
    return;
  }
  if (std::optional<std::string> trouble = SetScalar(field, node.text, node.quoted, message))
    Reject(node, path, *trouble);
}

void Reader::ReadList(const YamlNode& node, const Field& field, const std::string& path, Message& message) {
  // One value is a list of one.
  if (node.kind == Kind::kScalar && !IsSection(field)) return ReadValue(node, field, path, message);
  if (node.kind != Kind::kList) {
    Reject(node, path, absl::StrCat("must be a list, is ", KindText(node)));
    return;
  }
  for (size_t i = 0; i < node.children.size(); ++i) {
    const std::string element = absl::StrCat(path, "[", i, "]");
    places_[element] = {node.children[i].line, node.children[i].column};
    ReadValue(node.children[i], field, element, message);
  }
}

void Reader::ReadMap(const YamlNode& node, const Field& field, const std::string& path, Message& message) {
  if (node.kind != Kind::kMap) {
    Reject(node, path, absl::StrCat("must be a section (name: value), is ", KindText(node)));
    return;
  }
  const Field& key_field = *field.message_type()->map_key();
  const Field& value_field = *field.message_type()->map_value();
  std::map<std::string, int> seen;
  for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
    const YamlNode& key = node.children[i];
    const YamlNode& value = node.children[i + 1];
    if (key.kind != Kind::kScalar) {
      Report(key, path, absl::StrCat("has a name that is ", KindText(key)));
      continue;
    }
    const std::string element = Join(path, base::Printable(key.text, 60));
    const auto [first, is_new] = seen.emplace(key.text, key.line);
    if (!is_new) {
      Report(key, element, absl::StrCat("is given twice; the first is in line ", first->second));
      continue;
    }
    Message* entry = message.GetReflection()->AddMessage(&message, &field);
    places_[element] = {value.line, value.column};
    if (std::optional<std::string> trouble = SetScalar(key_field, key.text, false, *entry))
      Report(key, element, *trouble);
    if (value.kind == Kind::kNull && !IsSection(value_field)) {
      Reject(key, element, absl::StrCat("must be ", Wanted(value_field), ", is empty"));
      continue;
    }
    ReadValue(value, value_field, element, *entry);
  }
}

}  // namespace mailmesh::config
