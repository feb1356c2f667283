// What submission changes in a message, in one pass over its header (RFC 6409, 8): Date and Message-ID where they are
// missing, Bcc and Resent-Bcc taken out. All other octets go through as they came.
//
// Missing fields are put at the end of the header: only there is it known that they are missing, and what stands above
// stays where it was. The body begins where the rest of the project says so (mime/header.h): a damaged line is part of the
// header.
// Flow: Feed()* Finish(); what they return is the message. Thread-safety: none. Memory: the start of one line, 80 octets.
// RFC 6409, 8.2 and 8.3; RFC 5322, 3.6.3 and 3.6.6. Not done, for it may break what the client has signed: a Sender field
// (8.1, a MAY), and putting right a Date or Message-ID that is there.
#ifndef MAILMESH_SERVICES_SMTP_INGRESS_COMPLETION_H_
#define MAILMESH_SERVICES_SMTP_INGRESS_COMPLETION_H_

#include <string>
#include <string_view>

namespace mailmesh::smtp_ingress {

struct CompletionOptions {
  bool add_missing_fields = true;
  bool drop_bcc = true;
  std::string date;        // the value to put in
  std::string message_id;  // with its angle brackets
};

class Completion {
 public:
  explicit Completion(CompletionOptions options) : options_(std::move(options)) {}

  // The octets that these lead to; they may wait for the next call.
  std::string Feed(std::string_view octets);
  // What is left at the end of the content.
  std::string Finish();

  bool added_date() const { return added_date_; }
  bool added_message_id() const { return added_message_id_; }
  size_t dropped_fields() const { return dropped_; }

 private:
  enum class State { kLineStart, kLine, kBody };

  // Takes octets off the front of `octets`.
  void TakeLineStart(std::string_view& octets, std::string& out);
  void TakeLine(std::string_view& octets, std::string& out);
  void BeginField();
  void EndHeader(std::string& out);

  const CompletionOptions options_;
  State state_ = State::kLineStart;
  std::string start_;      // of the line, while nobody knows what it is
  bool dropping_ = false;  // the field whose lines are passing by
  char last_ = '\n';       // octet that went out
  bool has_date_ = false;
  bool has_message_id_ = false;
  bool added_date_ = false;
  bool added_message_id_ = false;
  size_t dropped_ = 0;
};

}  // namespace mailmesh::smtp_ingress

#endif  // MAILMESH_SERVICES_SMTP_INGRESS_COMPLETION_H_
