#include "services/mailmesh/pki/secret_store.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/bytes.h"
#include "common/base/status.h"

namespace mailmesh::pki {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

constexpr char kJson[] = "application/json";
constexpr char kMergePatch[] = "application/merge-patch+json";

Struct& Section(Struct& object, const std::string& key) { return *(*object.mutable_fields())[key].mutable_struct_value(); }

void SetText(Struct& object, const std::string& key, const std::string& text) {
  (*object.mutable_fields())[key].set_string_value(text);
}

// Null where there is no such thing.
const Value* Find(const Struct& object, const std::string& key) {
  const auto found = object.fields().find(key);
  return found == object.fields().end() ? nullptr : &found->second;
}

std::string Text(const Struct& object, const std::string& key) {
  const Value* value = Find(object, key);
  return value == nullptr ? "" : value->string_value();
}

absl::StatusOr<std::string> ToJson(const Struct& object) {
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(object, &json).ok()) return absl::InternalError("JSON cannot be written");
  return json;
}

absl::StatusOr<Struct> ParseJson(const std::string& json) {
  Struct object;
  if (!google::protobuf::util::JsonStringToMessage(json, &object).ok()) {
    return absl::DataLossError("the API server's answer is no JSON object");
  }
  return object;
}

absl::StatusOr<Bundle> ToBundle(const HttpAnswer& answer) {
  ASSIGN_OR_RETURN(const Struct secret, ParseJson(answer.body));
  Bundle bundle;
  if (const Value* metadata = Find(secret, "metadata")) bundle.version = Text(metadata->struct_value(), "resourceVersion");
  if (bundle.version.empty()) return absl::DataLossError("the API server's answer has no resourceVersion");
  const Value* data = Find(secret, "data");
  if (data == nullptr) return bundle;
  for (const auto& [key, value] : data->struct_value().fields()) {
    std::optional<std::string> content = base::Base64Decode(value.string_value());
    if (!content.has_value()) return absl::DataLossError(absl::StrCat("key ", key, " is no base64"));
    bundle.files[key] = *std::move(content);
  }
  return bundle;
}

// What the server says of a request that it did not carry out.
absl::Status Refused(const std::string& verb, const std::string& place, const HttpAnswer& answer) {
  std::string said;
  if (const auto status = ParseJson(answer.body); status.ok()) said = Text(*status, "message");
  const std::string text = absl::StrCat(verb, " ", place, ": HTTP ", answer.code, said.empty() ? "" : ": ", said);
  switch (answer.code) {
    case 401:
      return absl::UnauthenticatedError(text);
    case 403:
      return absl::PermissionDeniedError(absl::StrCat(text, " (the service account's role must allow it)"));
    case 404:
      return absl::NotFoundError(text);
    default:
      return answer.code >= 500 || answer.code == 429 ? absl::UnavailableError(text) : absl::FailedPreconditionError(text);
  }
}

}  // namespace

SecretStore::SecretStore(std::unique_ptr<KubernetesApi> api, Options options) : api_(std::move(api)), options_([&] {
  if (options.name_space.empty()) options.name_space = api_->name_space();
  return std::move(options);
}()) {}

std::string SecretStore::SecretName(const std::string& name) const {
  return absl::StrCat(options_.release, "-pki-", absl::StrReplaceAll(name, {{"_", "-"}}));
}

std::string SecretStore::PlaceOf(const std::string& name) const {
  return absl::StrCat("secret ", options_.name_space, "/", SecretName(name));
}

absl::StatusOr<Bundle> SecretStore::Read(const std::string& name) {
  const std::string path = absl::StrCat("/api/v1/namespaces/", options_.name_space, "/secrets/", SecretName(name));
  ASSIGN_OR_RETURN(const HttpAnswer answer, api_->Request("GET", path, kJson, ""));
  known_.erase(name);
  if (answer.code == 404) return Bundle();
  if (answer.code != 200) return Refused("get", PlaceOf(name), answer);
  absl::StatusOr<Bundle> bundle = ToBundle(answer);
  if (!bundle.ok()) return base::Annotate(bundle.status(), PlaceOf(name));
  known_[name] = bundle->files;
  return bundle;
}

absl::StatusOr<std::string> SecretStore::Write(const std::string& name, const Files& files, const std::string& version) {
  Struct secret;
  Struct& metadata = Section(secret, "metadata");
  Struct& data = Section(secret, "data");
  for (const auto& [file, content] : files) SetText(data, file, base::Base64Encode(content));
  std::string path = absl::StrCat("/api/v1/namespaces/", options_.name_space, "/secrets");
  HttpAnswer answer;
  if (version.empty()) {
    SetText(secret, "apiVersion", "v1");
    SetText(secret, "kind", "Secret");
    SetText(secret, "type", files.contains(kCertificate) ? "kubernetes.io/tls" : "Opaque");
    SetText(metadata, "name", SecretName(name));
    for (const auto& [label, value] : options_.labels) SetText(Section(metadata, "labels"), label, value);
    ASSIGN_OR_RETURN(const std::string body, ToJson(secret));
    ASSIGN_OR_RETURN(answer, api_->Request("POST", path, kJson, body));
  } else {
    SetText(metadata, "resourceVersion", version);
    for (const auto& [file, content] : known_[name]) {
      if (!files.contains(file)) (*data.mutable_fields())[file].set_null_value(google::protobuf::NULL_VALUE);
    }
    absl::StrAppend(&path, "/", SecretName(name));
    ASSIGN_OR_RETURN(const std::string body, ToJson(secret));
    ASSIGN_OR_RETURN(answer, api_->Request("PATCH", path, kMergePatch, body));
  }
  if (answer.code == 409) {
    // Ours, whose answer was lost, or another's.
    ASSIGN_OR_RETURN(const Bundle there, Read(name));
    if (there.files == files) return there.version;
    return absl::AbortedError(absl::StrCat(PlaceOf(name), " has been changed meanwhile"));
  }
  // Removed since it was read.
  if (answer.code == 404 && !version.empty()) return absl::AbortedError(absl::StrCat(PlaceOf(name), " is gone"));
  if (answer.code != 200 && answer.code != 201) return Refused(version.empty() ? "create" : "patch", PlaceOf(name), answer);
  ASSIGN_OR_RETURN(const Bundle there, ToBundle(answer));
  known_[name] = there.files;
  return there.version;
}

}  // namespace mailmesh::pki
