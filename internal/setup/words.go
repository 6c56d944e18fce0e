package setup

// What people call things, in English, German, French, Spanish, Portuguese,
// Italian, Dutch, Swedish, Danish and Norwegian, Finnish, Polish, Czech,
// Turkish, Russian, Ukrainian, Greek, Japanese, Chinese and Korean. The words
// are parted by commas; case and accents do not matter.
const (
	contactsWords = `contacts,contact,leads,lead,people,customers,clients,crm,kontakte,kontakt,kunden,interessenten,contactos,contacto,clientes,contatos,contato,` +
		`contatti,contatto,clienti,contacten,klanten,relaties,kontakter,kunder,yhteystiedot,asiakkaat,kontakty,klienci,klienti,zakaznici,kisiler,musteriler,` +
		`контакты,клиенты,лиды,контакти,клієнти,ліди,επαφές,πελάτες,連絡先,顧客,リード,コンタクト,联系人,客户,线索,聯絡人,客戶,연락처,고객,리드`
	dealsWords = `deals,deal,opportunities,opportunity,pipeline,sales,sales pipeline,geschäfte,geschäft,verkaufschancen,vertriebschancen,chancen,aufträge,vertrieb,` +
		`affaires,affaire,opportunités,opportunité,ventes,oportunidades,oportunidad,tratos,negocios,ventas,negócios,negócio,oportunidade,vendas,` +
		`trattative,trattativa,opportunità,affari,vendite,kansen,verkopen,affärer,affär,salg,handler,kaupat,myynti,transakcje,szanse,sprzedaż,obchody,příležitosti,` +
		`fırsatlar,anlaşmalar,satış,сделки,сделка,продажи,угоди,угода,продажі,ευκαιρίες,πωλήσεις,商談,案件,取引,パイプライン,交易,商机,销售,商機,거래,딜,영업`
	activitiesWords = `activities,activity,messages,interactions,touchpoints,activity log,inbox,aktivitäten,aktivität,nachrichten,interaktionen,activités,activité,messages,interactions,` +
		`actividades,actividad,mensajes,interacciones,atividades,atividade,mensagens,interações,attività,messaggi,interazioni,activiteiten,berichten,aktiviteter,meddelanden,beskeder,` +
		`aktiviteetit,tapahtumat,viestit,aktywności,działania,wiadomości,aktivity,zprávy,aktiviteler,etkinlikler,активности,действия,сообщения,активності,дії,повідомлення,` +
		`δραστηριότητες,活動,アクティビティ,履歴,メッセージ,活动,互动,活動紀錄,활동,메시지`

	emailWords   = `email,e mail,mail,email address,e mail address,e mail adresse,mailadresse,courriel,adresse e mail,adresse mail,correo,correo electrónico,posta elettronica,e mailadres,e post,sähköposti,poczta,adres e mail,e posta,почта,эл почта,электронная почта,пошта,електронна пошта,ηλεκτρονικό ταχυδρομείο,メール,メールアドレス,电子邮件,邮箱,邮件,電子郵件,이메일,메일`
	nameWords    = `name,full name,contact,contact name,vollständiger name,nom,nom complet,nombre,nombre completo,nome,nome completo,naam,namn,fulde navn,navn,nimi,imię i nazwisko,nazwa,jméno,ad,ad soyad,isim,имя,фио,ім я,піб,όνομα,名前,氏名,姓名,名字,이름`
	companyWords = `company,company name,organization,organisation,business,account,firma,unternehmen,firmenname,entreprise,société,empresa,compañía,organización,companhia,azienda,società,bedrijf,organisatie,företag,bolag,virksomhed,bedrift,yritys,przedsiębiorstwo,společnost,şirket,компания,организация,компанія,організація,εταιρεία,会社,会社名,企業,公司,企业,公司名称,회사,회사명`
	statusWords  = `status,state,lead status,stage,phase,lifecycle,lifecycle stage,stand,zustand,statut,état,étape,estado,etapa,fase,stato,fase,tila,vaihe,stan,etap,stav,fáze,durum,aşama,статус,этап,стадия,стан,етап,κατάσταση,ステータス,状態,状态,阶段,狀態,상태,단계`
	sourceWords  = `source,lead source,utm source,channel,origin,how did you hear of us,quelle,herkunft,kanal,origine,provenance,canal,fuente,origen,origem,fonte,provenienza,bron,herkomst,källa,kilde,lähde,źródło,kanał,zdroj,kaynak,источник,канал,джерело,πηγή,流入元,ソース,経路,来源,渠道,來源,출처,유입경로`
	touchedWords = `last contacted,last contact,last touched,last touch,last contacted on,contacted on,last activity,letzter kontakt,zuletzt kontaktiert,kontaktiert am,dernier contact,dernière prise de contact,contacté le,último contacto,última interacción,contactado el,último contato,último contacto,ultimo contatto,contattato il,laatste contact,laatst gecontacteerd,senaste kontakt,senast kontaktad,sidste kontakt,siste kontakt,viimeisin yhteydenotto,ostatni kontakt,poslední kontakt,son iletişim,son temas,последний контакт,дата контакта,останній контакт,τελευταία επαφή,最終連絡日,最終コンタクト,最終接触日,最后联系,上次联系,最近联系,最後聯絡,마지막 연락,최근 연락일`
	notesWords   = `notes,note,message,comments,comment,remarks,description,notizen,notiz,nachricht,anmerkungen,bemerkungen,remarques,commentaires,notas,nota,mensaje,comentarios,mensagem,observações,comentários,messaggio,commenti,notities,opmerkingen,bericht,anteckningar,noter,notater,muistiinpanot,viesti,notatki,uwagi,wiadomość,poznámky,poznámka,zpráva,notlar,mesaj,заметки,примечания,сообщение,комментарий,нотатки,примітки,повідомлення,σημειώσεις,メモ,備考,メッセージ,备注,笔记,留言,備註,메모,비고`

	stageWords = `stage,deal stage,pipeline stage,status,phase,state,stand,étape,statut,phase,etapa,estado,fase,stato,stadio,stadium,tila,vaihe,etap,status,fáze,stav,aşama,durum,этап,стадия,статус,етап,стадія,στάδιο,ステージ,フェーズ,段階,ステータス,阶段,状态,階段,단계,상태`
	valueWords = `value,deal value,amount,deal size,price,revenue,worth,wert,betrag,summe,umsatz,volumen,auftragswert,valeur,montant,prix,valor,importe,monto,precio,valor,preço,valore,importo,prezzo,waarde,bedrag,värde,belopp,værdi,beløb,verdi,arvo,summa,wartość,kwota,hodnota,částka,değer,tutar,сумма,стоимость,сума,вартість,αξία,ποσό,金額,価格,金额,价值,金額,금액,가격`
	ownerWords = `owner,deal owner,assignee,assigned to,responsible,sales rep,person,inhaber,verantwortlich,verantwortliche,zuständig,besitzer,responsable,propriétaire,attribué à,propietario,asignado a,responsável,proprietário,responsabile,proprietario,assegnato a,eigenaar,verantwoordelijke,ägare,ansvarig,ejer,eier,ansvarlig,omistaja,vastuuhenkilö,właściciel,odpowiedzialny,opiekun,vlastník,odpovědná osoba,sahibi,sorumlu,ответственный,владелец,менеджер,відповідальний,власник,υπεύθυνος,担当者,担当,負責人,负责人,所有者,담당자`

	kindWords     = `type,kind,channel,art,typ,kategorie,tipo,genre,soort,tyyppi,rodzaj,druh,tür,тип,вид,τύπος,種類,タイプ,类型,類型,유형,종류`
	whenWords     = `at,date,when,time,received,created on,datum,am,wann,zeitpunkt,date,quand,fecha,cuándo,data,quando,wanneer,när,dato,når,päivä,milloin,kiedy,kdy,tarih,zaman,дата,когда,коли,ημερομηνία,日時,日付,日期,时间,時間,날짜,일시`
	detailsWords  = `details,message,text,content,body,notes,description,inhalt,nachricht,einzelheiten,beschreibung,détails,contenu,description,detalles,contenido,mensaje,detalhes,conteúdo,mensagem,dettagli,contenuto,messaggio,inhoud,innehåll,detaljer,indhold,innhold,sisältö,treść,szczegóły,obsah,podrobnosti,detaylar,içerik,подробности,содержание,детали,деталі,зміст,λεπτομέρειες,詳細,内容,详情,內容,내용,상세`
	contactWords  = `contact,contacts,lead,person,customer,client,kontakt,kunde,contacto,cliente,contato,contatto,klant,kund,yhteystieto,asiakas,klient,zákazník,kişi,müşteri,контакт,клиент,клієнт,επαφή,連絡先,顧客,联系人,客户,聯絡人,연락처,고객`
	dealbellWords = `dealbell id,dealbell`

	newLeadWords     = `new lead,new,lead,open,inbound,not contacted,neu,neuer lead,neuer kontakt,offen,nouveau,nouveau lead,nouveau contact,nuevo,nuevo lead,nuevo contacto,novo,novo lead,nuovo,nuovo lead,nuovo contatto,nieuw,nieuwe lead,ny,ny lead,nytt lead,uusi,nowy,nowy lead,nový,nový lead,yeni,yeni lead,новый,новый лид,новий,новий лід,νέος,νέο,新規,新規リード,新线索,新客户,新,新線索,신규,새 리드`
	wonWords         = `won,closed won,closed,signed,success,gewonnen,abgeschlossen,gagné,gagnée,signé,ganado,ganada,cerrado ganado,ganho,ganha,fechado,vinto,vinta,chiuso,gewonnen,vunnen,vundet,vunnet,voitettu,wygrana,wygrane,wygrany,vyhráno,získáno,kazanıldı,kazanılan,выиграна,выиграно,успешно,виграна,виграно,κερδισμένο,受注,成約,赢单,已成交,成交,贏單,수주,성사,계약`
	lostWords        = `lost,closed lost,rejected,verloren,abgelehnt,perdu,perdue,perdido,perdida,cerrado perdido,perduto,persa,perso,verloren,förlorad,tabt,tapt,hävitty,menetetty,przegrana,przegrane,utracona,prohráno,ztraceno,kaybedildi,kaybedilen,проиграна,проиграно,отказ,програна,програно,відмова,χαμένο,失注,丢单,已丢失,输单,流失,丟單,실패,실주`
	negotiationWords = `negotiation,negotiating,in negotiation,contract sent,verhandlung,in verhandlung,négociation,en négociation,negociación,en negociación,negociação,em negociação,negoziazione,trattativa,in trattativa,onderhandeling,in onderhandeling,förhandling,forhandling,neuvottelu,negocjacje,w negocjacjach,vyjednávání,jednání,pazarlık,müzakere,переговоры,переговори,διαπραγμάτευση,交渉,交渉中,谈判,洽谈,談判,협상,협의중`
)
