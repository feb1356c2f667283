// The well-known shapes of strings (FieldRules.Format). Private to this folder.
#ifndef MAILMESH_COMMON_CONFIG_SHAPES_H_
#define MAILMESH_COMMON_CONFIG_SHAPES_H_

#include <string_view>

#include "mailmesh/config/v1/options.pb.h"

namespace mailmesh::config {

bool HasShape(v1::FieldRules::Format format, std::string_view text);
// "host:port, [v6]:port or unix:PATH": what the shape is, for messages.
std::string_view ShapeText(v1::FieldRules::Format format);

}  // namespace mailmesh::config

#endif  // MAILMESH_COMMON_CONFIG_SHAPES_H_
