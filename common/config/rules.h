// What the .proto says about a field beyond its type. Private to this folder.
#ifndef MAILMESH_COMMON_CONFIG_RULES_H_
#define MAILMESH_COMMON_CONFIG_RULES_H_

#include <string>
#include <string_view>

#include "google/protobuf/descriptor.h"
#include "mailmesh/config/v1/options.pb.h"

namespace mailmesh::config {

using Field = google::protobuf::FieldDescriptor;

// Valid as long as the descriptor.
const v1::FieldRules& RulesOf(const Field& field);

bool IsDuration(const Field& field);
// A size in octets: a uint64 whose name ends in _bytes.
bool IsSize(const Field& field);
// A message that is written as a map of fields.
bool IsSection(const Field& field);

// How a value of this enum is written: without the type's prefix, in lower case. Empty for the unspecified one.
std::string EnumText(const google::protobuf::EnumValueDescriptor& value);

// "a whole number", "a duration like 30s or 5m": what the field wants, for messages.
std::string Wanted(const Field& field);

// "a.b", or "b" under the root.
std::string Join(std::string_view path, std::string_view name);

}  // namespace mailmesh::config

#endif  // MAILMESH_COMMON_CONFIG_RULES_H_
