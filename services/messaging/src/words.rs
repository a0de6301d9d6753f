//! The enumerations of this service: one spelling in JSON and SQL.

use diesel::sql_types::Text;
use pitchey_db::words;

words! {
    /// Kind of conversation.
    #[derive(Default)]
    ConversationType: Text {
        /// Of two people.
        #[default]
        Direct = "direct",
        /// Of several.
        Group = "group",
        /// Of a pitch's owner and one signer.
        PitchDiscussion = "pitch_discussion",
    }
}

words! {
    /// Kind of message.
    #[derive(Default)]
    MessageType: Text {
        /// Words.
        #[default]
        Text = "text",
        /// Pictures, with or without words.
        Image = "image",
        /// Files, with or without words.
        File = "file",
        /// Said by the platform.
        System = "system",
        /// A pitch is shown.
        PitchShare = "pitch_share",
        /// Somebody is asked to request an NDA for a pitch.
        NdaRequest = "nda_request",
    }
}

words! {
    /// What a member may do.
    #[derive(Default)]
    Role: Text {
        /// Adds and removes members of a group.
        Owner = "owner",
        /// Reads and writes.
        #[default]
        Member = "member",
    }
}
