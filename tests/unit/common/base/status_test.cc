#include "common/base/status.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

#include "absl/strings/cord.h"

namespace mailmesh::base {
namespace {

absl::StatusOr<std::unique_ptr<int>> Make(bool good) {
  if (!good) return absl::NotFoundError("nothing");
  return std::make_unique<int>(7);
}

absl::Status Use(bool good, int& out) {
  RETURN_IF_ERROR(absl::OkStatus());
  ASSIGN_OR_RETURN(const std::unique_ptr<int> value, Make(good));
  ASSIGN_OR_RETURN(auto second, Make(true));
  RETURN_IF_ERROR(Make(good));
  out = *value + *second;
  return absl::OkStatus();
}

TEST(StatusMacrosTest, HandOnOrGoOn) {
  int out = 0;
  EXPECT_TRUE(Use(true, out).ok());
  EXPECT_EQ(out, 14);
  EXPECT_EQ(Use(false, out), absl::NotFoundError("nothing"));
}

TEST(AnnotateTest, KeepsCodeAndPayload) {
  absl::Status status = absl::AbortedError("why");
  status.SetPayload("url", absl::Cord("payload"));
  const absl::Status annotated = Annotate(status, "doing");
  EXPECT_EQ(annotated.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Message(annotated), "doing: why");
  EXPECT_EQ(annotated.GetPayload("url"), absl::Cord("payload"));
  EXPECT_TRUE(Annotate(absl::OkStatus(), "doing").ok());
}

TEST(ErrnoStatusTest, SaysWhat) {
  const absl::Status status = ErrnoStatus(ENOENT, "open x");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Message(status), "open x: No such file or directory");
}

}  // namespace
}  // namespace mailmesh::base
