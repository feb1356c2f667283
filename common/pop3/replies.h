// Every status line that Mailmesh says by itself, by name. Texts tell nothing of our inside, nor whether an account
// exists.
// RFC 1939; RFC 2449, 8; RFC 3206, 4; RFC 6856, 5.
#ifndef MAILMESH_COMMON_POP3_REPLIES_H_
#define MAILMESH_COMMON_POP3_REPLIES_H_

#include "common/pop3/reply.h"

namespace mailmesh::pop3::replies {

// clang-format off
inline constexpr CannedReply kReady               {true,  "", "Mailmesh POP3 ready"};
inline constexpr CannedReply kOk                  {true,  "", "OK"};
inline constexpr CannedReply kSendPass            {true,  "", "Send PASS"};
inline constexpr CannedReply kLoggedIn            {true,  "", "Logged in"};
inline constexpr CannedReply kDeleted             {true,  "", "Marked to be deleted"};
inline constexpr CannedReply kReset               {true,  "", "Nothing is marked now"};
inline constexpr CannedReply kMessageFollows      {true,  "", "Message follows"};
inline constexpr CannedReply kListingFollows      {true,  "", "Listing follows"};
inline constexpr CannedReply kCapabilitiesFollow  {true,  "", "Capability list follows"};
inline constexpr CannedReply kMechanismsFollow    {true,  "", "Mechanisms follow"};
inline constexpr CannedReply kBeginTls            {true,  "", "Begin TLS negotiation"};
inline constexpr CannedReply kUtf8Enabled         {true,  "", "UTF8 enabled"};
inline constexpr CannedReply kLanguagesFollow     {true,  "", "Language listing follows:"};
inline constexpr CannedReply kLanguageEnglish     {true,  "", "en Language changed"};
inline constexpr CannedReply kBye                 {true,  "", "Bye"};

inline constexpr CannedReply kUnknownCommand      {false, "", "Unknown command"};
inline constexpr CannedReply kSyntaxError         {false, "", "Syntax error"};
inline constexpr CannedReply kLineTooLong         {false, "", "Line too long"};
inline constexpr CannedReply kBareLineEnding      {false, "", "Bare CR or LF in command"};
inline constexpr CannedReply kWrongState          {false, "", "Not allowed in this state"};
inline constexpr CannedReply kNotSupported        {false, "", "Not supported"};
inline constexpr CannedReply kNoSuchMessage       {false, "", "No such message"};
inline constexpr CannedReply kAlreadyDeleted      {false, "", "Message is marked to be deleted"};
inline constexpr CannedReply kNotAllDeleted       {false, "SYS/TEMP", "Some deleted messages were not removed"};
inline constexpr CannedReply kTlsActive           {false, "", "TLS already active"};
inline constexpr CannedReply kTlsUnavailable      {false, "SYS/TEMP", "TLS not available"};
inline constexpr CannedReply kEncryptionRequired  {false, "", "Encryption required, send STLS first"};
inline constexpr CannedReply kUnknownMechanism    {false, "", "Unknown authentication mechanism"};
inline constexpr CannedReply kBadBase64           {false, "", "Cannot decode response"};
inline constexpr CannedReply kAuthCancelled       {false, "", "Authentication cancelled"};
inline constexpr CannedReply kAuthFailed          {false, "AUTH", "Authentication failed"};
inline constexpr CannedReply kInUse               {false, "IN-USE", "Maildrop is in use by another session"};
inline constexpr CannedReply kLoginDelay          {false, "LOGIN-DELAY", "Minimum time between log-ins not reached"};
inline constexpr CannedReply kTemporary           {false, "SYS/TEMP", "Temporary failure, try again later"};
inline constexpr CannedReply kPermanent           {false, "SYS/PERM", "Permanent failure"};
inline constexpr CannedReply kUtf8Needed          {false, "UTF8", "Message needs UTF8 mode"};
inline constexpr CannedReply kNoSuchLanguage      {false, "", "No such language"};
inline constexpr CannedReply kTooManyErrors       {false, "", "Too many errors, closing connection"};
inline constexpr CannedReply kTimeout             {false, "", "Timeout, closing connection"};
inline constexpr CannedReply kTooManySessions     {false, "SYS/TEMP", "Too many connections, try again later"};
inline constexpr CannedReply kShuttingDown        {false, "SYS/TEMP", "Shutting down, try again later"};
// clang-format on

// The codes by name, for a client's decisions.
inline constexpr std::string_view kCodeInUse = "IN-USE";
inline constexpr std::string_view kCodeLoginDelay = "LOGIN-DELAY";
inline constexpr std::string_view kCodeSysTemp = "SYS/TEMP";
inline constexpr std::string_view kCodeSysPerm = "SYS/PERM";
inline constexpr std::string_view kCodeAuth = "AUTH";
inline constexpr std::string_view kCodeUtf8 = "UTF8";

}  // namespace mailmesh::pop3::replies

#endif  // MAILMESH_COMMON_POP3_REPLIES_H_
