// Every reply that Mailmesh gives by itself, by name: no other file writes a code.
// RFC 5321, 4.2.2 and 4.2.3; RFC 3463, 3; RFC 5248; RFC 4954, 6; RFC 3207, 4; RFC 3030; RFC 6531, 3.5; RFC 8689.
#ifndef MAILMESH_COMMON_SMTP_REPLIES_H_
#define MAILMESH_COMMON_SMTP_REPLIES_H_

#include <cstdint>

#include "common/smtp/reply.h"

namespace mailmesh::smtp::replies {

// clang-format off
inline constexpr CannedReply kOk                       {250, {2, 0, 0}, "OK"};
inline constexpr CannedReply kSenderOk                 {250, {2, 1, 0}, "Sender OK"};
inline constexpr CannedReply kRecipientOk              {250, {2, 1, 5}, "Recipient OK"};
inline constexpr CannedReply kMessageAccepted          {250, {2, 0, 0}, "Message accepted"};
inline constexpr CannedReply kChunkAccepted            {250, {2, 0, 0}, "Chunk received"};
inline constexpr CannedReply kReset                    {250, {2, 0, 0}, "Reset"};
inline constexpr CannedReply kWillForward              {251, {2, 1, 5}, "Recipient not local; will forward"};
inline constexpr CannedReply kCannotVerify             {252, {2, 5, 2}, "Cannot VRFY, but will try delivery"};
inline constexpr CannedReply kSmtpHelp                 {214, {2, 0, 0}, "HELO EHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP STARTTLS AUTH: RFC 5321"};
inline constexpr CannedReply kLmtpHelp                 {214, {2, 0, 0}, "LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP STARTTLS: RFC 2033"};
inline constexpr CannedReply kReadyForTls              {220, {2, 0, 0}, "Ready to start TLS"};
inline constexpr CannedReply kBye                      {221, {2, 0, 0}, "Bye"};
inline constexpr CannedReply kAuthenticated            {235, {2, 7, 0}, "Authentication successful"};
inline constexpr CannedReply kStartMailInput           {354, {},        "End data with <CRLF>.<CRLF>"};

inline constexpr CannedReply kShuttingDown             {421, {4, 3, 2}, "Service shutting down, closing connection"};
inline constexpr CannedReply kTooManySessions          {421, {4, 7, 0}, "Too many connections, try again later"};
inline constexpr CannedReply kTooManyUnknown           {421, {4, 7, 0}, "Too many unknown recipients, closing connection"};
inline constexpr CannedReply kTooManyErrors            {421, {4, 7, 0}, "Too many errors, closing connection"};
inline constexpr CannedReply kTimeout                  {421, {4, 4, 2}, "Timeout, closing connection"};
inline constexpr CannedReply kTlsHandshakeFailed       {421, {4, 7, 0}, "TLS handshake failed"};
inline constexpr CannedReply kProtocolBroken           {421, {4, 5, 0}, "Protocol error, closing connection"};
inline constexpr CannedReply kServiceUnavailable       {421, {4, 3, 0}, "Service unavailable, closing connection"};
inline constexpr CannedReply kMailboxBusy              {450, {4, 2, 0}, "Mailbox busy, try again later"};
inline constexpr CannedReply kRateLimited              {450, {4, 7, 1}, "Rate limit exceeded, try again later"};
inline constexpr CannedReply kRecipientUnverified      {450, {4, 1, 1}, "Recipient not verifiable, try again later"};
inline constexpr CannedReply kLocalError               {451, {4, 3, 0}, "Temporary local problem, try again later"};
inline constexpr CannedReply kMailboxFullTemporary     {452, {4, 2, 2}, "Mailbox full, try again later"};
inline constexpr CannedReply kNoStorage                {452, {4, 3, 1}, "Insufficient system storage"};
inline constexpr CannedReply kTooManyRecipients        {452, {4, 5, 3}, "Too many recipients"};
inline constexpr CannedReply kRecipientsLimited        {452, {4, 5, 3}, "Too many recipients for now, try again later"};
inline constexpr CannedReply kAccountSessions          {454, {4, 7, 0}, "Too many sessions of this account, try again later"};
inline constexpr CannedReply kTlsUnavailable           {454, {4, 7, 0}, "TLS not available due to temporary reason"};
inline constexpr CannedReply kAuthTemporaryFailure     {454, {4, 7, 0}, "Temporary authentication failure"};

inline constexpr CannedReply kUnknownCommand           {500, {5, 5, 2}, "Command unrecognized"};
inline constexpr CannedReply kLineTooLong              {500, {5, 5, 2}, "Line too long"};
inline constexpr CannedReply kBareLineEnding           {500, {5, 5, 2}, "Bare <CR> or <LF> in command"};
inline constexpr CannedReply kAuthLineTooLong          {500, {5, 5, 6}, "Authentication exchange line is too long"};
inline constexpr CannedReply kSyntaxError              {501, {5, 5, 4}, "Syntax error in parameters or arguments"};
inline constexpr CannedReply kNoArgumentsAllowed       {501, {5, 5, 4}, "No parameters allowed"};
inline constexpr CannedReply kBadHelloName             {501, {5, 5, 4}, "Domain name or address literal required"};
inline constexpr CannedReply kBadSenderAddress         {501, {5, 1, 7}, "Bad sender address syntax"};
inline constexpr CannedReply kBadRecipientAddress      {501, {5, 1, 3}, "Bad recipient address syntax"};
inline constexpr CannedReply kBadBase64                {501, {5, 5, 2}, "Cannot decode response"};
inline constexpr CannedReply kAuthCancelled            {501, {5, 7, 0}, "Authentication cancelled"};
inline constexpr CannedReply kNotImplemented           {502, {5, 5, 1}, "Command not implemented"};
inline constexpr CannedReply kBadSequence              {503, {5, 5, 1}, "Bad sequence of commands"};
inline constexpr CannedReply kHelloFirst               {503, {5, 5, 1}, "Send HELO or EHLO first"};
inline constexpr CannedReply kNestedMail               {503, {5, 5, 1}, "Nested MAIL command"};
inline constexpr CannedReply kNeedMail                 {503, {5, 5, 1}, "Need MAIL command"};
inline constexpr CannedReply kNeedRecipient            {503, {5, 5, 1}, "Need RCPT command"};
inline constexpr CannedReply kAlreadyAuthenticated     {503, {5, 5, 1}, "Already authenticated"};
inline constexpr CannedReply kTlsActive                {503, {5, 5, 1}, "TLS already active"};
inline constexpr CannedReply kDataAfterBdat            {503, {5, 5, 1}, "DATA and BDAT cannot be mixed"};
inline constexpr CannedReply kBinaryNeedsBdat          {503, {5, 5, 1}, "BODY=BINARYMIME needs BDAT"};
inline constexpr CannedReply kResetNeeded              {503, {5, 5, 1}, "The transaction failed, send RSET"};
inline constexpr CannedReply kUnknownMechanism         {504, {5, 5, 4}, "Unrecognized authentication mechanism"};
inline constexpr CannedReply kStartTlsFirst            {530, {5, 7, 0}, "Must issue a STARTTLS command first"};
inline constexpr CannedReply kAuthRequired             {530, {5, 7, 0}, "Authentication required"};
inline constexpr CannedReply kMechanismTooWeak         {534, {5, 7, 9}, "Authentication mechanism is too weak"};
inline constexpr CannedReply kAuthFailed               {535, {5, 7, 8}, "Authentication credentials invalid"};
inline constexpr CannedReply kAuthNeedsEncryption      {538, {5, 7, 11}, "Encryption required for this mechanism"};
inline constexpr CannedReply kNoSuchUser               {550, {5, 1, 1}, "No such user here"};
inline constexpr CannedReply kUserDisabled             {550, {5, 2, 1}, "Mailbox disabled"};
inline constexpr CannedReply kRelayDenied              {550, {5, 7, 1}, "Relaying denied"};
inline constexpr CannedReply kNotAllowed               {550, {5, 7, 1}, "Not allowed"};
inline constexpr CannedReply kSenderNotOwned           {550, {5, 7, 1}, "Sender address not owned by this user"};
inline constexpr CannedReply kSenderNeedsUtf8          {550, {5, 6, 7}, "Non-ASCII sender needs SMTPUTF8"};
inline constexpr CannedReply kRoutingLoop              {554, {5, 4, 6}, "Too many hops, this message is looping"};
inline constexpr CannedReply kBareLineEndingInContent  {550, {5, 6, 0}, "Bare <CR> or <LF> in message content"};
inline constexpr CannedReply kRequireTlsUnsupported    {550, {5, 7, 30}, "REQUIRETLS support required"};
inline constexpr CannedReply kUserNotLocal             {551, {5, 1, 6}, "User not local"};
inline constexpr CannedReply kMailboxFull              {552, {5, 2, 2}, "Mailbox full"};
inline constexpr CannedReply kMessageTooBig            {552, {5, 3, 4}, "Message size exceeds the limit"};
inline constexpr CannedReply kBadMailboxName           {553, {5, 1, 3}, "Mailbox name not allowed"};
inline constexpr CannedReply kRecipientNeedsUtf8       {553, {5, 6, 7}, "Non-ASCII recipient needs SMTPUTF8"};
inline constexpr CannedReply kNoService                {554, {5, 3, 2}, "No SMTP service here"};
inline constexpr CannedReply kNoValidRecipients        {554, {5, 5, 1}, "No valid recipients"};
inline constexpr CannedReply kImproperPipelining       {554, {5, 5, 0}, "Improper command pipelining"};
inline constexpr CannedReply kTransactionFailed        {554, {5, 0, 0}, "Transaction failed"};
inline constexpr CannedReply kUnknownParameter         {555, {5, 5, 4}, "Parameter not recognized or not implemented"};

// What a client notes for recipients that no server has answered for.
inline constexpr CannedReply kConnectionLost           {451, {4, 4, 2}, "Connection lost"};
inline constexpr CannedReply kBadServerReply           {451, {4, 5, 0}, "The server broke the protocol"};
inline constexpr CannedReply kUtf8NotOffered           {553, {5, 6, 7}, "The server does not offer SMTPUTF8"};
inline constexpr CannedReply kBinaryNotOffered         {554, {5, 6, 1}, "The server does not offer BINARYMIME"};
inline constexpr CannedReply kSizeNotOffered           {552, {5, 3, 4}, "Message exceeds the size the server offers"};
// clang-format on

// RFC 5321, 4.2.1 and 3.8: the one code that says that the connection ends.
inline constexpr uint16_t kClosingCode = 421;
inline constexpr uint16_t kGreetingCode = 220;
inline constexpr uint16_t kEhloCode = 250;
inline constexpr uint16_t kStartMailInputCode = 354;
inline constexpr uint16_t kAuthChallengeCode = 334;
inline constexpr uint16_t kAuthenticatedCode = 235;
inline constexpr uint16_t kReadyForTlsCode = 220;
// RFC 5321, 4.5.3.1.10: some servers say 552 for "too many recipients"; for RCPT it counts as temporary.
inline constexpr uint16_t kStorageExceededCode = 552;

}  // namespace mailmesh::smtp::replies

#endif  // MAILMESH_COMMON_SMTP_REPLIES_H_
