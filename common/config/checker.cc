#include "common/config/checker.h"

#include <regex.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/base/units.h"
#include "common/config/scalar.h"
#include "common/config/shapes.h"
#include "google/protobuf/duration.pb.h"

namespace mailmesh::config {
namespace {

using google::protobuf::Message;

// The .proto itself is wrong: no file can be right.
[[noreturn]] void SchemaError(const Field& field, const std::string& text) {
  std::fprintf(stderr, "config: rule of %s: %s\n", field.full_name().c_str(), text.c_str());
  std::abort();
}

// The value of a number, a size or a duration (in seconds), for comparison with a limit.
double Measure(const Field& field, const Message& message) {
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32:
      return reflection.GetInt32(message, &field);
    case Field::CPPTYPE_INT64:
      return static_cast<double>(reflection.GetInt64(message, &field));
    case Field::CPPTYPE_UINT32:
      return reflection.GetUInt32(message, &field);
    case Field::CPPTYPE_UINT64:
      return static_cast<double>(reflection.GetUInt64(message, &field));
    case Field::CPPTYPE_DOUBLE:
      return reflection.GetDouble(message, &field);
    case Field::CPPTYPE_FLOAT:
      return reflection.GetFloat(message, &field);
    case Field::CPPTYPE_MESSAGE: {
      google::protobuf::Duration duration;
      duration.CopyFrom(reflection.GetMessage(message, &field));
      return static_cast<double>(duration.seconds()) + duration.nanos() * 1e-9;
    }
    default:
      return 0;
  }
}

// POSIX's, not std::regex: that one recurses with its input.
bool MatchesWhole(const Field& field, const std::string& text) {
  regex_t compiled;
  const std::string pattern = absl::StrCat("^(", RulesOf(field).pattern(), ")$");
  if (regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0) SchemaError(field, "the pattern is wrong");
  const bool matches = regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  regfree(&compiled);
  return matches;
}

bool IsMeasured(const Field& field) {
  switch (field.cpp_type()) {
    case Field::CPPTYPE_BOOL:
    case Field::CPPTYPE_ENUM:
    case Field::CPPTYPE_STRING:
      return false;
    case Field::CPPTYPE_MESSAGE:
      return IsDuration(field);
    default:
      return true;
  }
}

// A limit or value of such a field as one would write it.
std::string MeasureText(const Field& field, double value) {
  if (IsDuration(field)) return base::DurationText(absl::Seconds(value));
  if (IsSize(field) && value >= 0) return base::SizeText(static_cast<uint64_t>(value));
  return absl::StrCat(value);
}

}  // namespace

void Checker::Report(const std::string& path, std::string text) {
  // What the file does not mention is shown where the nearest section around it stands.
  std::string place = path;
  auto found = places_.find(place);
  while (found == places_.end() && !place.empty()) {
    const size_t end = place.find_last_of(".[");
    place.resize(end == std::string::npos ? 0 : end);
    found = places_.find(place);
  }
  const Place where = found == places_.end() ? Place() : found->second;
  problems_.push_back({where.line, where.column, path, std::move(text)});
}

bool Checker::Unusable(const std::string& path) const {
  const auto found = places_.find(path);
  return found != places_.end() && !found->second.usable;
}

bool Checker::Mentioned(const Field& field, const std::string& path, const Message& message) const {
  if (places_.contains(path)) return true;
  const auto& reflection = *message.GetReflection();
  return field.is_repeated() ? reflection.FieldSize(message, &field) > 0 : reflection.HasField(message, &field);
}

void Checker::CheckSection(const std::string& path, Message& message) {
  const google::protobuf::Descriptor* type = message.GetDescriptor();
  around_.push_back(type);
  for (int i = 0; i < type->field_count(); ++i) {
    const Field& field = *type->field(i);
    const std::string field_path = Join(path, field.name());
    const v1::FieldRules& rules = RulesOf(field);
    if (!Mentioned(field, field_path, message)) {
      if (rules.required() || (rules.non_empty() && rules.default_().empty())) {
        missing_ = true;
        Report(field_path, absl::StrCat("is required: ", Wanted(field)));
        continue;
      }
      ApplyDefault(field, field_path, message);
      if (!Mentioned(field, field_path, message)) continue;
    }
    if (!Unusable(field_path)) CheckField(field, field_path, message);
  }
  around_.pop_back();
}

void Checker::ApplyDefault(const Field& field, const std::string& path, Message& message) {
  const std::string& text = RulesOf(field).default_();
  if (text.empty()) {
    const bool may_be_absent = field.has_optional_keyword() || field.real_containing_oneof() != nullptr;
    if (IsSection(field) && !field.is_repeated() && !may_be_absent) Materialise(field, path, message);
    return;
  }
  std::vector<Problem> problems;
  if (!field.is_repeated() && !IsSection(field)) {
    if (const auto trouble = SetScalar(field, text, false, message)) SchemaError(field, *trouble);
    return;
  }
  const std::variant<YamlNode, Problem> tree = ParseYaml(text);
  if (const auto* problem = std::get_if<Problem>(&tree)) SchemaError(field, problem->text);
  Places places;
  Reader(problems, places).ReadField(std::get<YamlNode>(tree), field, path, message);
  if (!problems.empty()) SchemaError(field, problems.front().text);
}

// Makes an absent section, for its defaults; not where something required would be missing in it.
void Checker::Materialise(const Field& field, const std::string& path, Message& message) {
  if (std::find(around_.begin(), around_.end(), field.message_type()) != around_.end()) return;
  const std::unique_ptr<Message> draft(
      message.GetReflection()->GetMessageFactory()->GetPrototype(field.message_type())->New());
  std::vector<Problem> problems;
  const Places nothing;
  Checker checker(options_, nothing, problems);
  checker.around_ = around_;
  checker.CheckSection(path, *draft);
  if (checker.missing_) return;
  message.GetReflection()->MutableMessage(&message, &field)->CopyFrom(*draft);
}

void Checker::CheckField(const Field& field, const std::string& path, Message& message) {
  if (field.is_repeated()) {
    CheckCount(field, path, message);
    CheckElements(field, path, message);
    return;
  }
  if (IsSection(field)) {
    return CheckSection(path, *message.GetReflection()->MutableMessage(&message, &field));
  }
  if (IsMeasured(field)) return CheckNumber(field, path, message);
  if (field.cpp_type() == Field::CPPTYPE_STRING)
    CheckText(field, path, message.GetReflection()->GetString(message, &field));
}

void Checker::CheckElements(const Field& field, const std::string& path, Message& message) {
  const auto& reflection = *message.GetReflection();
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    if (field.is_map()) {
      Message& entry = *reflection.MutableRepeatedMessage(&message, &field, i);
      const Field& key = *field.message_type()->map_key();
      const Field& value = *field.message_type()->map_value();
      const std::string name = key.cpp_type() == Field::CPPTYPE_STRING ? entry.GetReflection()->GetString(entry, &key)
                                                                       : MeasureText(key, Measure(key, entry));
      const std::string element = Join(path, base::Printable(name, 60));
      if (Unusable(element)) continue;
      if (IsSection(value)) CheckSection(element, *entry.GetReflection()->MutableMessage(&entry, &value));
      // The rules of a map's field are those of its values, too.
      if (value.cpp_type() == Field::CPPTYPE_STRING)
        CheckText(field, element, entry.GetReflection()->GetString(entry, &value));
      continue;
    }
    const std::string element = absl::StrCat(path, "[", i, "]");
    if (Unusable(element)) continue;
    if (IsSection(field)) {
      CheckSection(element, *reflection.MutableRepeatedMessage(&message, &field, i));
    } else if (field.cpp_type() == Field::CPPTYPE_STRING) {
      CheckText(field, element, reflection.GetRepeatedString(message, &field, i));
    }
  }
}

void Checker::CheckCount(const Field& field, const std::string& path, const Message& message) {
  const v1::FieldRules& rules = RulesOf(field);
  const int count = message.GetReflection()->FieldSize(message, &field);
  if (rules.non_empty() && count == 0) Report(path, "must not be empty");
  if (rules.has_min() && count < rules.min())
    Report(path, absl::StrCat("must have at least ", rules.min(), " elements, has ", count));
  if (rules.has_max() && count > rules.max())
    Report(path, absl::StrCat("must have at most ", rules.max(), " elements, has ", count));
}

void Checker::CheckNumber(const Field& field, const std::string& path, const Message& message) {
  const v1::FieldRules& rules = RulesOf(field);
  const double value = Measure(field, message);
  if (rules.has_min() && value < rules.min()) {
    Report(path,
           absl::StrCat("must be at least ", MeasureText(field, rules.min()), ", is ", MeasureText(field, value)));
  }
  if (rules.has_max() && value > rules.max()) {
    Report(path, absl::StrCat("must be at most ", MeasureText(field, rules.max()), ", is ", MeasureText(field, value)));
  }
}

void Checker::CheckText(const Field& field, const std::string& path, const std::string& text) {
  const v1::FieldRules& rules = RulesOf(field);
  if (text.empty()) {
    if (rules.non_empty()) Report(path, "must not be empty");
    return;
  }
  const std::string shown = rules.secret() ? "the value" : absl::StrCat("\"", base::Printable(text, 60), "\"");
  if (!HasShape(rules.format(), text)) {
    Report(path, absl::StrCat(shown, " is not ", base::Av(ShapeText(rules.format()))));
  }
  if (!rules.pattern().empty()) {
    if (!MatchesWhole(field, text)) Report(path, absl::StrCat(shown, " does not match ", rules.pattern()));
  }
  if (rules.secret_file() && options_.check_files) CheckSecretFile(path, text);
}

void Checker::CheckSecretFile(const std::string& path, const std::string& file) {
  struct stat info;
  if (stat(file.c_str(), &info) != 0) {
    Report(path, absl::StrCat("the file ", base::Printable(file), " cannot be used: ", std::strerror(errno)));
  } else if (!S_ISREG(info.st_mode)) {
    Report(path, absl::StrCat(base::Printable(file), " is not a file"));
  } else if (access(file.c_str(), R_OK) != 0) {
    Report(path, absl::StrCat("the file ", base::Printable(file), " cannot be read: ", std::strerror(errno)));
  } else if ((info.st_mode & 07) != 0) {
    Report(path, absl::StrCat("the file ", base::Printable(file), " is open to every user; do: chmod o= FILE"));
  }
}

}  // namespace mailmesh::config
