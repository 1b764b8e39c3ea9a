class Mailer
  def send_all(mails)
    mails.each do |mail|
      next if mail.sent && !mail.again
      if mail.to.nil? || mail.body.nil?
        skip(mail)
      elsif mail.late
        later(mail)
      end
    end
  end

  def kind(mail)
    case mail.kind
    when :letter then 1
    when :parcel, :box then 2
    else 3
    end
  end

  def deliver(mail)
    while mail.tries < 3
      connect(mail)
    end
  rescue IOError
    mail.tries > 2 ? nil : mail
  end
end
