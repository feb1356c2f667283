// Finds bare LF and bare CR in content that comes in chunks. Internal to common/smtp. RFC 5321, 2.3.8.
#ifndef MAILMESH_COMMON_SMTP_LINE_ENDINGS_H_
#define MAILMESH_COMMON_SMTP_LINE_ENDINGS_H_

#include <string_view>

namespace mailmesh::smtp {

class LineEndingCheck {
 public:
  void Feed(std::string_view octets);
  // At the end of the content a CR that waits for its LF is bare.
  void Finish();

  bool bare_lf() const { return bare_lf_; }
  bool bare_cr() const { return bare_cr_; }
  bool after_cr() const { return after_cr_; }

 private:
  bool after_cr_ = false;
  bool bare_lf_ = false;
  bool bare_cr_ = false;
};

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_LINE_ENDINGS_H_
