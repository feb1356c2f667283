#include "services/mailbox_store/rpc/audit.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/rpc/operator.h"
#include "common/telemetry/log.h"
#include "mailmesh/mailbox/v1/mailbox_service.pb.h"

namespace mailmesh::mailbox_store {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The text of a string field, of the first that the request has; empty if it has none.
std::string TextOf(const Message& request, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const FieldDescriptor* field = request.GetDescriptor()->FindFieldByName(name);
    if (field == nullptr || field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
    std::string text = request.GetReflection()->GetString(request, field);
    if (!text.empty()) return text;
  }
  return "";
}

// "1:3,7"; the log cuts what is too long.
std::string UidsOf(const Message& request) {
  const FieldDescriptor* field = request.GetDescriptor()->FindFieldByName("uids");
  if (field == nullptr || field->is_repeated() || field->message_type() != mailbox::v1::UidSet::descriptor() ||
      !request.GetReflection()->HasField(request, field)) {
    return "";
  }
  const auto& uids = static_cast<const mailbox::v1::UidSet&>(request.GetReflection()->GetMessage(request, field));
  std::string text;
  for (int i = 0; i < uids.first_size() && i < uids.last_size() && text.size() <= telemetry::kMaxFieldOctets; ++i) {
    absl::StrAppend(&text, i > 0 ? "," : "", uids.first(i));
    if (uids.last(i) != uids.first(i)) absl::StrAppend(&text, ":", uids.last(i));
  }
  return text;
}

}  // namespace

void Audit(const rpc::CallInfo& info, const Message& request) {
  const std::string name = rpc::OperatorOf(info);
  if (name.empty()) return;
  telemetry::Info("operator request", {info.trace,
                                       {"operator", name},
                                       {"command", absl::StripSuffix(request.GetDescriptor()->name(), "Request")},
                                       {"account", TextOf(request, {"account_id"})},
                                       {"mailbox", TextOf(request, {"mailbox", "mailbox_id", "from"})},
                                       {"to", TextOf(request, {"to_mailbox", "to"})},
                                       {"uids", UidsOf(request)},
                                       {"request_id", TextOf(request, {"request_id"})}});
}

}  // namespace mailmesh::mailbox_store
