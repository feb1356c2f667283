// Applies defaults and enforces the rules of the fields of a message. Private to this folder.
#ifndef MAILMESH_COMMON_CONFIG_CHECKER_H_
#define MAILMESH_COMMON_CONFIG_CHECKER_H_

#include <string>
#include <vector>

#include "common/config/loader.h"
#include "common/config/reader.h"
#include "common/config/rules.h"
#include "google/protobuf/message.h"

namespace mailmesh::config {

class Checker {
 public:
  // `places` says what the file mentioned; empty for a message made in code.
  Checker(const LoadOptions& options, const Places& places, std::vector<Problem>& problems)
      : options_(options), places_(places), problems_(problems) {}

  void CheckSection(const std::string& path, google::protobuf::Message& message);

 private:
  using Message = google::protobuf::Message;

  bool Mentioned(const Field& field, const std::string& path, const Message& message) const;
  // The file mentions it, with a value that could not be used.
  bool Unusable(const std::string& path) const;
  void ApplyDefault(const Field& field, const std::string& path, Message& message);
  void Materialise(const Field& field, const std::string& path, Message& message);
  void CheckField(const Field& field, const std::string& path, Message& message);
  void CheckElements(const Field& field, const std::string& path, Message& message);
  void CheckCount(const Field& field, const std::string& path, const Message& message);
  void CheckNumber(const Field& field, const std::string& path, const Message& message);
  void CheckText(const Field& field, const std::string& path, const std::string& text);
  void CheckSecretFile(const std::string& path, const std::string& file);
  void Report(const std::string& path, std::string text);

  const LoadOptions& options_;
  const Places& places_;
  std::vector<Problem>& problems_;
  // The types around the section that is being checked, so that a type within itself is not made for ever.
  std::vector<const google::protobuf::Descriptor*> around_;
  // Something required was missing: a section that was made by itself is then left out again.
  bool missing_ = false;
};

}  // namespace mailmesh::config

#endif  // MAILMESH_COMMON_CONFIG_CHECKER_H_
